class Warehouse:
    """Stands for the client of another service."""

    async def open(self) -> None:
        print("the warehouse opens", flush=True)

    async def close(self) -> None:
        print("the warehouse closes", flush=True)

    async def stock(self) -> str:
        return "seven books"
