"""The one DBOS of this process: set up, launched on the loop, taken down again.

What the settings are for is said beside them; all of it goes by public interfaces.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from jackfield.clock import Clock
from jackfield.durable.catalogue import Catalogue, Defined
from jackfield.durable.hush import Hush
from jackfield.durable.run import Json

if TYPE_CHECKING:
    from dbos import DBOSClient

    from jackfield.durable.work_database import WorkDatabase

APPLICATION = "jackfield"
# Work is only taken up by the same version, and DBOS would take a hash of the code for it.
CONTRACT_VERSION = "1"
# DBOS's pool also becomes the loop's default, and would have no limit.
THREADS = 16
# Unused by us, but on SQLite a stop waits for one round of it. Ten a second cost a tenth of what
# the runner takes at rest.
LISTENER_POLL_S = 0.5
# A schedule calls its flow with a time and a context, so it has a name of its own there.
SCHEDULED = "every:"

Carry = Callable[[Defined, tuple[Json, ...]], Awaitable[Json]]


class DbosInstance:
    """`open` and `close` in a plain thread, `launch` on the loop's."""

    def __init__(
        self,
        database_url: str,
        executor_id: str,
        catalogue: Catalogue,
        clock: Clock,
        *,
        work: bool = True,
    ) -> None:
        self._database_url = database_url
        self._executor_id = executor_id
        self._catalogue = catalogue
        self._work = work
        self._database: WorkDatabase | None = None
        self.client: DBOSClient | None = None
        self.hush = Hush(clock)

    def open(self) -> None:
        """Everything that needs neither the loop nor a running DBOS."""
        from dbos import DBOS, DBOSClient, DBOSPortableJSONSerializer

        from jackfield.durable.work_database import SCHEMA, open_work_database

        self._claim_log()
        self._database = database = open_work_database(self._database_url)
        DBOS.migrate(database.url.render_as_string(hide_password=False), schema=SCHEMA)
        # JSON, not pickle: who can write to the database must not be able to run code here.
        serializer = DBOSPortableJSONSerializer()
        self.client = DBOSClient(
            system_database_engine=database.engine,
            dbos_system_schema=SCHEMA,
            serializer=serializer,
            application_name=APPLICATION,
        )
        # Before the launch, which looks for queues at once and then only each second.
        self._write_queues(self.client)
        self._write_schedules(self.client)
        if not self._work:
            return
        DBOS(
            config={
                "name": APPLICATION,
                "executor_id": self._executor_id,
                "application_version": CONTRACT_VERSION,
                "serializer": serializer,
                "system_database_engine": database.engine,
                "dbos_system_schema": SCHEMA,
                "log_level": "WARNING",  # INFO advertises a hosted console
                "max_executor_threads": THREADS,
                "notification_listener_polling_interval_sec": LISTENER_POLL_S,
            }
        )

    def launch(self, carry: Carry) -> None:
        """DBOS runs flows on the loop inside which it is launched; nothing where none are run."""
        if not self._work:
            return
        from dbos import DBOS

        for defined in self._catalogue.flows.values():
            self._register(defined, carry)
        DBOS.launch()

    def close(self) -> None:
        """Not on DBOS's own threads: they end half way through."""
        from dbos import DBOS

        DBOS.destroy(destroy_registry=True)
        if self.client is not None:
            self.client.destroy()
        if self._database is not None:
            self._database.close()
        self.client = self._database = None
        logging.getLogger("dbos").removeFilter(self.hush)

    def _claim_log(self) -> None:
        log = logging.getLogger("dbos")
        if not log.handlers:
            log.addHandler(logging.NullHandler())  # or DBOS adds text lines of its own to stderr
        log.setLevel(logging.WARNING)
        log.addFilter(self.hush)

    def _write_queues(self, client: DBOSClient) -> None:
        for lane in self._catalogue.lanes:
            client.register_queue(
                lane.name,
                worker_concurrency=lane.concurrency,
                polling_interval_sec=lane.poll,
                on_conflict="always_update",
            )

    def _write_schedules(self, client: DBOSClient) -> None:
        for left in client.list_schedules(application_name=APPLICATION):
            if left["schedule_name"] not in self._catalogue.schedules:
                client.delete_schedule(left["schedule_name"])
        client.apply_schedules(
            [
                {
                    "schedule_name": name,
                    "workflow_name": SCHEDULED + name,
                    "schedule": cron,
                    "context": None,
                    "queue_name": self._catalogue.flows[name].lane.name,
                }
                for name, cron in self._catalogue.schedules.items()
            ]
        )

    def _register(self, defined: Defined, carry: Carry) -> None:
        from dbos import DBOS

        async def asked_for(*args: Json) -> Json:
            return await carry(defined, args)

        async def scheduled(_at: object, _context: object) -> Json:
            return await carry(defined, ())

        # No limit of DBOS's own: it counts every restart, also those between which a run got on.
        DBOS.workflow(name=defined.name, max_recovery_attempts=None)(asked_for)
        if defined.name in self._catalogue.schedules:
            DBOS.workflow(name=SCHEDULED + defined.name, max_recovery_attempts=None)(scheduled)
