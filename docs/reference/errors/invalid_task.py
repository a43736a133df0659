from django_lifespan_typed import lifespan_task


@lifespan_task("refresh_prices", every=60)
def refresh_prices() -> None:
    print("refreshed")
