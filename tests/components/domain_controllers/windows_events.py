"""Windows events as XML: in the form of Event Viewer, as Microsoft publishes them, and as an agent renders them.

Names of elements and providers, and the place of attributes, are those of Microsoft's pages of events 1102, 4719, 4728, 4732,
4740, 4765, 4794 and 4697 ("Advanced security auditing", Event XML) and of KB 4520412; classic providers (Service Control
Manager, NTDS) write `Qualifiers`. EvtRender, which agents use, writes one line and apostrophes.
"""

from __future__ import annotations

from dataclasses import dataclass, field

NAMESPACE = "http://schemas.microsoft.com/win/2004/08/events/event"
AUDITING = "Microsoft-Windows-Security-Auditing"
DOMAIN = "S-1-5-21-3457937927-2839227994-823803824"


@dataclass(frozen=True)
class WindowsEvent:
    """An event.

    Attributes:
        id: its ID.
        channel: its channel.
        provider: name of its provider.
        qualifiers: what a classic provider writes; "": no attribute.
        data: its data by name.
    """

    id: int
    channel: str = "Security"
    provider: str = AUDITING
    qualifiers: str = ""
    data: dict[str, str] = field(default_factory=dict[str, str])

    def published(self) -> str:
        """As Event Viewer shows it, and Microsoft's pages do."""
        qualifiers = f' Qualifiers="{self.qualifiers}"' if self.qualifiers else ""
        lines = [
            f'- <Event xmlns="{NAMESPACE}">',
            "- <System>",
            f' <Provider Name="{self.provider}" Guid="{{54849625-5478-4994-A5BA-3E3B0328C30D}}" /> ',
            f" <EventID{qualifiers}>{self.id}</EventID> ",
            *(f" <{name}>{value}</{name}> " for name, value in (("Version", 0), ("Level", 0), ("Task", 13826))),
            " <EventRecordID>4728</EventRecordID> ",
            ' <Execution ProcessID="4719" ThreadID="1102" /> ',
            f" <Channel>{self.channel}</Channel> ",
            " <Computer>DC01.contoso.local</Computer> ",
            " </System>",
            "- <EventData>",
            *(f' <Data Name="{name}">{value}</Data> ' for name, value in self.data.items()),
            " </EventData>",
            " </Event>",
        ]
        return "\n".join(lines)

    def rendered(self) -> str:
        """As EvtRender writes it."""
        lines = (line.removeprefix("- ").strip() for line in self.published().splitlines())
        return "".join(lines).replace('"', "'").replace(" />", "/>")


def membership(event_id: int, group: str, member: str = f"{DOMAIN}-1601") -> WindowsEvent:
    """A member was added to a group (pages of 4728, 4732, 4756)."""
    data = {"MemberName": "CN=eadmin,CN=Users,DC=contoso,DC=local", "MemberSid": member, "TargetUserName": "Group"}
    data |= {"TargetDomainName": "CONTOSO", "TargetSid": group, "SubjectUserSid": f"{DOMAIN}-1104"}
    return WindowsEvent(event_id, data={**data, "SubjectLogonId": "0x3031e", "PrivilegeList": "-"})


def ldap(event_id: int) -> WindowsEvent:
    """An event of the directory about LDAP (KB 4520412)."""
    return WindowsEvent(
        event_id,
        "Directory Service",
        "Microsoft-Windows-ActiveDirectory_DomainService",
        "16384",
        {"Address": "10.0.0.7:4719", "Identity": "CONTOSO\\svc"},
    )


def service(event_id: int) -> WindowsEvent:
    """A service was installed."""
    data = {"ServiceName": "PSEXESVC", "ImagePath": "%SystemRoot%\\PSEXESVC.exe", "ServiceType": "user mode service"}
    if event_id == 7045:
        return WindowsEvent(event_id, "System", "Service Control Manager", "16384", data)
    return WindowsEvent(event_id, data={"SubjectUserSid": f"{DOMAIN}-1104", **data})
