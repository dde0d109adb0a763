"""Connects as Python 3.13 does by default, whatever Python this is. Without a signature it is refused."""

import os
import ssl
import urllib.error
import urllib.request

context = ssl.create_default_context(cafile=os.environ["AWS_CA_BUNDLE"])
context.verify_flags |= ssl.VERIFY_X509_STRICT
for host in ["127.0.0.1", "localhost"]:
    try:
        urllib.request.urlopen(os.environ["AWS_ENDPOINT_URL"].replace("127.0.0.1", host), context=context)
    except urllib.error.HTTPError as answer:
        print(host, answer.status)
