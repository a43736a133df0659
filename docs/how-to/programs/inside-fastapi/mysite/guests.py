class Guests:
    """What a connection pool of the API's own would be."""

    def __init__(self) -> None:
        self.names: list[str] = []

    async def __aenter__(self) -> "Guests":
        print("the guest book opens", flush=True)
        return self

    async def __aexit__(self, *_: object) -> None:
        print("the guest book closes", flush=True)
