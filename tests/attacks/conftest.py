"""What several attacks share."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import pytest
from hits import Hits
from transactions import query

from mithaq.node import officers
from mithaq.pact.credential import Argon2Cost, create_credential
from mithaq.record import write_xml


@pytest.fixture(scope="session")
def xml() -> str:
    """A sound package in XML: Type-1, Type-2 and a print."""
    tx = query()
    return write_xml(tx.with_records([tx.records[0], tx.records[2]])).decode()


@pytest.fixture(scope="module")
def hits(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hits]:
    """Two nodes whose holder finds one finger in every query; credentials that are cheap to try."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(officers, "create_credential", partial(create_credential, cost=Argon2Cost(1, 64, 1)))
        made = Hits(tmp_path_factory.mktemp("hits"))
    yield made
    made.close()
