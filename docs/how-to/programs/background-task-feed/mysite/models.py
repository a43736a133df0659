from django.db import models


class Price(models.Model):
    isbn = models.CharField(max_length=13, primary_key=True)
    value = models.DecimalField(max_digits=8, decimal_places=2)

    def __str__(self) -> str:
        return f"{self.isbn}: {self.value}"
