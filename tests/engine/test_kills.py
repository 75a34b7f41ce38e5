"""An engine killed at random moments under load keeps all it acknowledged. `KILLS=50` does it longer."""

import os
from pathlib import Path

import pytest
from benchmarks.kills import kill

KILLS = int(os.environ.get("KILLS", "4"))


@pytest.mark.timeout(300 + 10 * KILLS)
async def test_nothing_acknowledged_is_lost_and_nothing_is_torn(
    environment_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEEPWHISK_CACHE", str(environment_cache))
    storm = await kill(KILLS, each=KILLS)

    assert storm.faults == []
    assert storm.ledger.edits
    assert storm.ledger.calls
    assert storm.ledger.fires
