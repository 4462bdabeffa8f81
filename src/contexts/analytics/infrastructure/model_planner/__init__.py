"""The planner that asks a language model: it shows the columns, never trusts the reply, and says
what is wrong with it before it gives up."""
