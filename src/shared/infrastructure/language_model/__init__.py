"""Language models behind any server that speaks chat completions, as OpenAI does."""
