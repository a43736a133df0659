"""A project that is served by WSGI servers, in processes of their own."""
