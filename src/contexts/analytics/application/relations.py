"""Which datasets can be asked, and each of them as it is now."""

from collections.abc import Awaitable, Callable, Sequence

import msgspec

from contexts.analytics.application.keeping import Catalogue
from contexts.analytics.domain.dataset import CATALOGUE, Dataset, NoSuchDataset, dataset_id
from contexts.analytics.domain.relation import Relation
from shared.application.repository import Repository


class Current(msgspec.Struct, frozen=True):
    """A relation, and the name of the state that its data is in, which answers tell."""

    relation: Relation
    version: str


class Relations:
    """`names` are those of the datasets that were loaded, as far as a read model knows them."""

    def __init__(
        self,
        datasets: Repository[Dataset],
        catalogue: Catalogue,
        names: Callable[[], Awaitable[Sequence[str]]],
    ) -> None:
        self._datasets = datasets
        self._catalogue = catalogue
        self._names = names

    async def of(self, name: str) -> Current:
        """Raise NoSuchDataset or NotLoaded."""
        if name == CATALOGUE:
            return Current(await self._catalogue.relation(), await self._catalogue.version())
        found = await self._datasets.get_many([dataset_id(name)])
        if dataset_id(name) not in found:
            raise NoSuchDataset(f"there is no dataset {name!r}")
        return _current(found[dataset_id(name)].asked_of(name))

    async def all(self) -> Sequence[Current]:
        """Every dataset that can be asked, the catalogue last."""
        found = await self._datasets.get_many(map(dataset_id, await self._names()))
        uploaded = [
            _current(dataset.relation) for dataset in found.values() if dataset.relation is not None
        ]
        return [*uploaded, await self.of(CATALOGUE)]


def _current(relation: Relation) -> Current:
    version = f"{relation.version}.{relation.revision}" if relation.revision else None
    return Current(relation, version or str(relation.version))
