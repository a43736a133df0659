RATES = BASE_DIR / "rates.json"
RATES_EVERY = 0.05  # seconds; more in earnest
