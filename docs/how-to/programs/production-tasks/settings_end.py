LIFESPAN["TASKS"] = "command"
