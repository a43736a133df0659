from django.apps import apps
from django.http import HttpResponse


async def stock(request):
    warehouse = apps.get_app_config("shop").warehouse
    return HttpResponse(await warehouse.stock())
