//! Responses that are not from AWS: the page of a proxy, a sign-in page, or a corrupted response.

use aws_smithy_runtime_api::http::Response;

/// The number of characters of such a response that are shown.
const SHOWN: usize = 80;

/// Returns whether an error without an AWS error code is a foreign page, or an unparsable success.
pub(super) fn is_foreign(response: &Response) -> bool {
    let page = |kind: &str| kind.starts_with("text/html") || kind.starts_with("text/plain");
    let is_page =
        || response.headers().get("content-type").is_some_and(page) || is_html(&text(response));
    response.status().is_success() || has_body(response) && is_page()
}

/// Describes the response; `why` is the parse error of the SDK.
pub(super) fn shown(response: Option<&Response>, why: &str) -> String {
    let Some(response) = response else {
        return why.to_owned();
    };
    let begins = match text(response)
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
    {
        text if text.is_empty() => "an empty response".to_owned(),
        text => format!("{:?}", text.chars().take(SHOWN).collect::<String>()),
    };
    match response.headers().get("content-type") {
        Some(kind) => format!("the response is not from AWS: {kind}, {begins}"),
        None => format!("the response is not from AWS: {begins}"),
    }
}

fn has_body(response: &Response) -> bool {
    response.body().bytes().is_some_and(|body| !body.is_empty())
}

fn text(response: &Response) -> String {
    String::from_utf8_lossy(response.body().bytes().unwrap_or_default())
        .trim_start_matches('\u{feff}')
        .trim_start()
        .to_owned()
}

fn is_html(text: &str) -> bool {
    let begins = text
        .chars()
        .take("<!doctype html".len())
        .collect::<String>()
        .to_ascii_lowercase();
    begins == "<!doctype html" || begins.starts_with("<html")
}
