from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from services.portal.tests.site import Site, a_site


@pytest.fixture
def site(database, tmp_path: Path) -> Iterator[Site]:
    made = a_site(tmp_path, database.url)
    with made.desk.database.transaction() as connection:
        connection.execute(sa.text("DELETE FROM sessions"))
        connection.execute(sa.text("DELETE FROM ended_sids"))
    yield made
    made.desk.database.close()
