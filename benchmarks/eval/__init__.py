"""`make eval`: how much a planner answers, how much of that rightly, and what it declines.

A set is a file of questions with the rows and the chart that are right, or with none where nothing
answers them. Being wrong counts worse than declining.
"""
