"""Activation records, found with few requests however many are asked for.

Law: a record that a list does not show yet may still exist; only its own address says that it does not.
"""

import asyncio
from collections.abc import Iterable
from typing import Any

from deepwhisk.feeds.apihost import PAGE, Apihost

FEW = 4  # are asked for one by one
MOST_PAGES = 10
SKEW = 5.0  # seconds that clocks may differ


class Records:
    """Looks up activations of one namespace."""

    def __init__(self, apihost: Apihost, auth: str) -> None:
        self._apihost = apihost
        self._auth = auth

    async def triggers(
        self, trigger: str, wanted: set[str], since: float, *, single: bool
    ) -> dict[str, dict[str, Any]]:
        """Records of fires, with their log lines. `single`: ask for what lists do not show, too."""
        found: dict[str, dict[str, Any]] = {}
        if len(wanted) > FEW:
            found = await self._listed(wanted, since, name=trigger, docs="true")
        missing = wanted - found.keys()
        return found | (await self._one_by_one(missing) if single or len(wanted) <= FEW else {})

    async def actions(self, wanted: set[str], since: float, *, single: bool) -> dict[str, dict[str, Any]]:
        """Records of actions. One that a list shows as a success has no more than its response."""
        found: dict[str, dict[str, Any]] = {}
        if len(wanted) > FEW:
            listed = await self._listed(wanted, since)
            found = {
                identifier: SUCCESS for identifier, item in listed.items() if item.get("statusCode") == 0
            }
            failed = listed.keys() - found.keys()
            found |= await self._one_by_one(failed)
            wanted = wanted - listed.keys()
        return found | (await self._one_by_one(wanted) if single or len(wanted) <= FEW else {})

    async def _listed(self, wanted: set[str], since: float, **query: str) -> dict[str, dict[str, Any]]:
        found: dict[str, dict[str, Any]] = {}
        for page in range(MOST_PAGES):
            items = await self._apihost.activations(
                self._auth, skip=page * PAGE, since=int((since - SKEW) * 1000), **query
            )
            found |= {item["activationId"]: item for item in items if item["activationId"] in wanted}
            if len(items) < PAGE or len(found) == len(wanted):
                break
        return found

    async def _one_by_one(self, wanted: Iterable[str]) -> dict[str, dict[str, Any]]:
        asked = list(wanted)
        records = await asyncio.gather(*(self._apihost.activation(self._auth, one) for one in asked))
        return {identifier: record for identifier, record in zip(asked, records, strict=True) if record}


SUCCESS: dict[str, Any] = {"response": {"success": True, "status": "success"}}
