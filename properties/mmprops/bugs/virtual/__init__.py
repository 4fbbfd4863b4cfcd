"""Seeded bugs of virtual memory."""
