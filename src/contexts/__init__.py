"""The bounded contexts. They know one another only through what each one publishes."""
