"""URLs opened without the AWS SDK: photos on the web, and links as people without AWS open them."""

import ssl
import urllib.request

from botocore.httpsession import get_cert_path


def web() -> urllib.request.OpenerDirector:
    """An opener for http and https only, with proxies. It follows no redirect to file: or ftp:."""
    trust = ssl.create_default_context()
    # Python from python.org on a Mac has no certificates; botocore has (bugs.python.org/issue28150).
    trust.load_verify_locations(get_cert_path(True))
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(context=trust),
        urllib.request.HTTPRedirectHandler(),
        urllib.request.HTTPErrorProcessor(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.UnknownHandler(),
    ):
        opener.add_handler(handler)
    return opener
