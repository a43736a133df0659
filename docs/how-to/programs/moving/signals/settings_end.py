INSTALLED_APPS += ["shop"]
