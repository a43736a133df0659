LIFESPAN = {
    "START_TIMEOUT": 60,  # of one resource
    "STOP_TIMEOUT": 10,  # of one resource
    "STOP_BUDGET": 25,  # of the whole stop
    "CANCEL_TIMEOUT": 1,  # to unwind after a cancellation
    "REPORT_INTERVAL": 5,  # between two lines of the log
    "HEALTH_TIMEOUT": 2,  # of one health check
    "HEALTH_CACHE": 1,  # of the result of health checks
    "HEALTH_DETAIL": False,
}
