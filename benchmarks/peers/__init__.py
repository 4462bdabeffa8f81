"""Other products, measured as their own documentation says to use them.

Each module is a program that runs with the packages of its peer and without ours: it is given a
task and its arguments, and prints its result as one line of JSON.
"""
