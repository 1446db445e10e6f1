"""Named queries of Athena as documented by AWS. Queries are not run.

API_… pages: https://docs.aws.amazon.com/athena/latest/APIReference/.
"""

from typing import Any

from moto.athena import urls
from moto.athena.responses import AthenaResponse


def apply() -> None:
    """Replace moto's Athena with the extended one."""
    for path in urls.url_paths:
        urls.url_paths[path] = LocalAthena.dispatch


class LocalAthena(AthenaResponse):
    """moto's Athena with the change and the deletion of named queries, and errors for those that do not exist."""

    def get_named_query(self) -> Any:
        """API_GetNamedQuery: InvalidRequestException if there is no such query."""
        return super().get_named_query() if self._exists() else self._missing()

    def delete_named_query(self) -> Any:
        """API_DeleteNamedQuery."""
        if not self._exists():
            return self._missing()
        del self.athena_backend.named_queries[self._get_param("NamedQueryId")]
        return "{}"

    def update_named_query(self) -> Any:
        """API_UpdateNamedQuery."""
        if not self._exists():
            return self._missing()
        query = self.athena_backend.named_queries[self._get_param("NamedQueryId")]
        query.name = self._get_param("Name")
        query.description = self._get_param("Description")
        query.query_string = self._get_param("QueryString")
        return "{}"

    def _exists(self) -> bool:
        return self._get_param("NamedQueryId") in self.athena_backend.named_queries

    def _missing(self) -> Any:
        return self.error(f"NamedQuery {self._get_param('NamedQueryId')} was not found", 400)
