"""Wrong versions of the rules of the page allocator.

``promises`` break what everybody relies on, ``requests`` what a request comes to, ``walks`` the way through the zones, ``paths``
the slow path.
"""

from __future__ import annotations

from mmprops.bugs.bug import Bug
from mmprops.bugs.physical.page_alloc import paths, promises, requests, walks

BUGS: tuple[Bug, ...] = (*promises.BUGS, *requests.BUGS, *walks.BUGS, *paths.BUGS)
"""The bugs of the component."""
