from .warehouse import Warehouse


class SignalHandler:
    def __init__(self, app_config):
        self.app_config = app_config

    async def startup(self, **_):
        self.app_config.warehouse = Warehouse()
        await self.app_config.warehouse.open()

    async def shutdown(self, **_):
        await self.app_config.warehouse.close()
