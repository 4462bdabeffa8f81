"""The assistant that is a language model: it gets what fits of the conversation, calls tools, and
says what it says as it comes; what it takes comes out of the budget of whoever asked."""
