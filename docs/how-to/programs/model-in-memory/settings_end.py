PRICES = BASE_DIR / "prices.txt"
