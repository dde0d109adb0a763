"""Connects as Python 3.13 does by default, whatever Python this is."""

import os
import ssl
import urllib.request

context = ssl.create_default_context(cafile=os.environ["AWS_CA_BUNDLE"])
context.verify_flags |= ssl.VERIFY_X509_STRICT
url = os.environ["AWS_ENDPOINT_URL"] + "/_ministack/health"
for host in ["127.0.0.1", "localhost"]:
    with urllib.request.urlopen(url.replace("127.0.0.1", host), context=context) as answer:
        print(host, answer.status)
