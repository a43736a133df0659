from django_lifespan_typed import current_state

current_state()
