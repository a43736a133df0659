from django.http import HttpResponse


async def stock(request):
    warehouse = request.state["warehouse"]
    return HttpResponse(await warehouse.stock())
