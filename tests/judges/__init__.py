"""Blind judges: simulations written from the kernel's source alone.

`buddy_612` and `buddy_61` are of the buddy free lists, `pcp_612` and `pcp_61` of the per-CPU lists,
`watermarks_612`, `zonelists_612` and `vmstat_612` of the numbers around them. They share no code with the
specification, with the implementation or with each other, on purpose: a slip in one of them cannot hide the
same slip elsewhere.
"""
