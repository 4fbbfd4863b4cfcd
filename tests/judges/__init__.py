"""Blind judges: simulations of the buddy free lists written from the kernel's source alone.

`buddy_612` and `buddy_61` share no code with the specification, with the implementation or with each other,
on purpose: a slip in one of them cannot hide the same slip elsewhere.
"""
