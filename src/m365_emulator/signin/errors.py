"""Entra's refusals where a person is involved, and which of them go back to the application.

What is wrong with the application or its address is shown on a page, because there is no address
that could be trusted; `SentBack` carries the others to a redirect URI that was checked.
Source: Entra docs, reference-error-codes and v2-oauth2-auth-code-flow, read 2026-11. Numbers are
Entra's, the texts are its own as far as the page or public threads quote them.
"""

from m365_emulator.entra_errors import EntraError
from m365_emulator.signin.redirects import Reply


class SentBack(Exception):
    """A refusal for the application, at the address that it gave."""

    def __init__(self, error: EntraError, reply: Reply) -> None:
        super().__init__(str(error))
        self.error = error
        self.reply = reply


# --- on the page: the application or its address ---------------------------------------------


def wrong_redirect(app_id: str, uri: str) -> EntraError:
    return EntraError(
        50011,
        "invalid_request",
        f"The redirect URI '{uri}' specified in the request does not match the redirect URIs "
        f"configured for the application '{app_id}'. Make sure the redirect URI sent in the "
        "request matches one added to your application in the Azure portal. Navigate to "
        "https://aka.ms/redirectUriMismatchError to learn more about how to fix this.",
    )


def no_redirect(app_id: str) -> EntraError:
    return EntraError(
        50011,
        "invalid_request",
        "The reply address is missing, misconfigured, or doesn't match reply addresses configured "
        f"for the application '{app_id}'.",
    )


def one_tenant_only(app_id: str, name: str) -> EntraError:
    return EntraError(
        50194,
        "invalid_request",
        f"Application '{app_id}'({name}) is not configured as a multi-tenant application. Usage "
        "of the /common endpoint is not supported for such applications created after "
        "'10/15/2018'. Use a tenant-specific endpoint or configure the application to be "
        "multi-tenant.",
    )


def no_principal(app_id: str) -> EntraError:
    return EntraError(
        7000229,
        "unauthorized_client",
        f"The client application {app_id} is missing service principal in the tenant. See "
        "instructions here: https://go.microsoft.com/fwlink/?linkid=2225119",
    )


# --- back to the application: the request ----------------------------------------------------


def unsupported_response_type(name: str) -> EntraError:
    return EntraError(
        70005,
        "unsupported_response_type",
        f"The app requested an unsupported response type '{name}'.",
    )


def no_implicit_tokens() -> EntraError:
    return EntraError(
        700054,
        "unsupported_response_type",
        "response_type 'id_token' is not enabled for the application.",
    )


def unsupported_response_mode(name: str) -> EntraError:
    return EntraError(
        70007,
        "unsupported_response_mode",
        f"'{name}' is not a supported value of 'response_mode' when requesting a token.",
    )


def unsupported_prompt(name: str) -> EntraError:
    return EntraError(90023, "invalid_request", f"Unsupported 'prompt' value: '{name}'.")


def bad_challenge_size() -> EntraError:
    return EntraError(501491, "invalid_request", "Invalid size of Code_Challenge parameter.")


def missing_challenge() -> EntraError:
    return EntraError(
        50147, "invalid_request", "The size of the code challenge parameter is not valid."
    )


def bad_challenge_method(name: str) -> EntraError:
    return EntraError(
        90023,
        "invalid_request",
        f"Unsupported 'code_challenge_method' value: '{name}'. Supported are 'S256' and 'plain'.",
    )


# --- the person ------------------------------------------------------------------------------


def nobody_signed_in() -> EntraError:
    return EntraError(
        50058,
        "login_required",
        "A silent sign-in request was sent but no user is signed in. The cookies used to "
        "represent the user's session were not sent in the request to Azure AD.",
    )


def several_signed_in() -> EntraError:
    return EntraError(
        16000,
        "login_required",
        "Either multiple user identities are available for the current request or selected "
        "account is not supported for the scenario.",
    )


def unknown_person(name: str, tenant_name: str) -> EntraError:
    return EntraError(
        50034,
        "invalid_grant",
        f"The user account {name} does not exist in the {tenant_name} directory. To sign into "
        "this application, the account must be added to the directory.",
    )


def wrong_password() -> EntraError:
    return EntraError(
        50126,
        "invalid_grant",
        "Error validating credentials due to invalid username or password.",
    )


def locked() -> EntraError:
    return EntraError(
        50053,
        "invalid_grant",
        "The account is locked, you've tried to sign in too many times with an incorrect user ID "
        "or password.",
    )


def disabled_person() -> EntraError:
    return EntraError(50057, "invalid_grant", "The user account is disabled.")


def revoked_grant(issued: str, valid_from: str) -> EntraError:
    return EntraError(
        50173,
        "invalid_grant",
        "The provided grant has expired due to it being revoked, a fresh auth token is needed. "
        "The user might have changed or reset their password. The grant was issued on "
        f"'{issued}' and the TokensValidFrom date (before which tokens are not valid) for this "
        f"user is '{valid_from}'.",
    )


def more_proof_needed() -> EntraError:
    return EntraError(
        50076,
        "interaction_required",
        "Due to a configuration change made by your administrator, or because you moved to a new "
        "location, you must use multi-factor authentication to access "
        "'00000003-0000-0000-c000-000000000000'.",
        suberror="basic_action",
    )


def blocked() -> EntraError:
    return EntraError(
        53003,
        "invalid_grant",
        "Access has been blocked by Conditional Access policies. The access policy does not allow "
        "token issuance.",
        suberror="message_only",
    )


def not_assigned(person: str, app_id: str, name: str) -> EntraError:
    return EntraError(
        50105,
        "invalid_grant",
        f"Your administrator has configured the application {name} ('{app_id}') to block users "
        "unless they are specifically granted ('assigned') access to the application. The "
        f"signed-in user '{person}' is blocked because they are not a direct member of a group "
        "with access, nor had access directly assigned by an administrator. Please contact your "
        "administrator to assign access to this application.",
    )


# --- consent ---------------------------------------------------------------------------------


def not_consented(app_id: str, name: str) -> EntraError:
    return EntraError(
        65001,
        "invalid_grant",
        f"The user or administrator has not consented to use the application with ID '{app_id}' "
        f"named '{name}'. Send an interactive authorization request for this user and resource.",
        suberror="consent_required",
    )


def declined() -> EntraError:
    return EntraError(65004, "access_denied", "User declined to consent to access the app.")


def admin_needed(name: str) -> EntraError:
    return EntraError(
        90094,
        "access_denied",
        f"Admin consent is required for the permissions requested by '{name}'.",
    )


def silent(error: EntraError) -> EntraError:
    """What `prompt=none` makes of a refusal that a page could have resolved."""
    return EntraError(error.code, "interaction_required", error.message)
