"""Applications that Microsoft itself has registered, and that a tenant lets in by consent.

Their registration is in another tenant: here they are nobody's until somebody consents, and then a
service principal without an application of its own.
Source: Entra docs, verify-first-party-apps-sign-in; Graph PowerShell docs, authentication-commands;
read 2026-11. Redirect URIs as Microsoft's own command line tools use them.
"""

from collections.abc import Mapping
from types import MappingProxyType

from m365_emulator.apps import Application
from m365_emulator.manifest import Manifest, PublicClient

MICROSOFT_TENANT = "f8cdef31-a31e-4b4a-93e4-5f571e91255a"
GRAPH_COMMAND_LINE_TOOLS = "14d82eec-204b-4c2f-b7e8-296a70dab67e"

FIRST_PARTY: Mapping[str, Application] = MappingProxyType(
    {
        GRAPH_COMMAND_LINE_TOOLS: Application(
            app_id=GRAPH_COMMAND_LINE_TOOLS,
            object_id="1b0a1f0e-0000-4000-8000-14d82eec204b",
            manifest=Manifest(
                display_name="Microsoft Graph Command Line Tools",
                sign_in_audience="AzureADandPersonalMicrosoftAccount",
                is_fallback_public_client=True,
                public_client=PublicClient(
                    redirect_uris=(
                        "http://localhost",
                        "https://login.microsoftonline.com/common/oauth2/nativeclient",
                    )
                ),
            ),
            home_tenant_id=MICROSOFT_TENANT,
        )
    }
)
"""By client id."""
