LIFESPAN = {
    "START_TIMEOUT": 60,  # for one resource
    "STOP_TIMEOUT": 10,  # for one resource
    "STOP_BUDGET": 25,  # for the whole shutdown
    "CANCEL_TIMEOUT": 1,  # to finish after a cancellation
    "RETRY_INTERVAL": 10,  # between two attempts to start
    "REPORT_INTERVAL": 5,  # between two log messages
    "HEALTH_TIMEOUT": 2,  # for one health check
    "HEALTH_CACHE": 1,  # reuse of health check results
    "HEALTH_DETAIL": False,
    "TASKS": "server",  # or "command"
}
