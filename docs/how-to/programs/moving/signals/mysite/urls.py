from django.urls import path
from shop.views import stock

urlpatterns = [path("stock", stock)]
