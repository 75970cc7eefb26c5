"""Declared events: the plugin ``contract``.

    VOTE = Received("vote", Vote, answer=int)       # Vote: a dataclass, TypedDict, struct or model
    TALLY = Sent("tally", Tally)
    contract = Contract("Votes", "1.0.0", receives=[VOTE], sends=[TALLY])

    primus = ContractPrimus[EmitterSpark](app, plugin="emitter, contract", contract=contract)

    @primus.on_event(VOTE)
    def vote(spark: EmitterSpark, vote: Vote) -> int:
        TALLY.send(primus, count(vote))
        return number

Events come and go by the plugin ``emitter`` (or ``emit``). What clients send is validated before
any listener sees it: listeners get a `Vote`. What is none is the event ``invalid(error, event)`` of
the spark, and is refused when the client has asked for an answer; the error names the field.
Events that the contract does not declare pass as before.

The same declaration gives ``primus.d.ts`` the events and ``send`` and ``ask`` their types, and an
AsyncAPI 3 document at ``<pathname>/asyncapi.json``. Python clients use the same objects:
``await VOTE.ask(socket, Vote("tea"))``, ``@TALLY.on(socket)``.

The option ``contract`` is the `Contract`.
"""

from primus_contract.asyncapi import asyncapi
from primus_contract.contract import Contract
from primus_contract.events import Received, Sent
from primus_contract.plugin import (
    ContractOptions,
    ContractPrimus,
    ContractSpark,
    primus_browser,
    primus_extend_primus,
    primus_extend_spark,
    primus_middleware,
    primus_options,
    primus_setup,
)
from primus_contract.typescript import typescript

__all__ = [
    "Contract",
    "ContractOptions",
    "ContractPrimus",
    "ContractSpark",
    "Received",
    "Sent",
    "asyncapi",
    "primus_browser",
    "primus_extend_primus",
    "primus_extend_spark",
    "primus_middleware",
    "primus_options",
    "primus_setup",
    "typescript",
]
