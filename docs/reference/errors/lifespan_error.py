from django_lifespan_typed import Lifespan


async def report() -> str:
    return "done"


lifespan = Lifespan()
lifespan.call(report)
