LIFESPAN = {
    "STOP_TIMEOUT": 10,  # of one resource
    "STOP_BUDGET": 20,  # of all of them together
}
