//! Where spans go: OpenTelemetry's own variables.

use std::borrow::Cow;

use http::{HeaderMap, HeaderName, HeaderValue};
use reqwest::Url;

use crate::env::Reader;

/// `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT` as it is, or `OTEL_EXPORTER_OTLP_ENDPOINT` with `/v1/traces` behind it.
#[derive(Debug, Clone)]
pub struct Endpoint {
    pub url: Url,
    /// `OTEL_EXPORTER_OTLP_TRACES_HEADERS`, else `OTEL_EXPORTER_OTLP_HEADERS`: `name=value`, separated by commas,
    /// values percent-encoded.
    pub headers: HeaderMap,
}

impl Endpoint {
    /// None when spans are not to be exported.
    pub(crate) fn read(read: &mut Reader) -> Option<Self> {
        let off = read
            .optional::<String>("OTEL_SDK_DISABLED")
            .is_some_and(|text| text.eq_ignore_ascii_case("true"))
            || read.optional::<String>("OTEL_TRACES_EXPORTER").is_some_and(|name| name == "none");
        if off {
            return None;
        }
        let url = url(read)?;
        for name in ["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"] {
            if let Some(protocol) = read.optional::<String>(name).filter(|name| name != "http/protobuf") {
                read.problem(format!("{name} is not valid: `{protocol}`, only `http/protobuf` is known"));
            }
        }
        let headers = ["OTEL_EXPORTER_OTLP_TRACES_HEADERS", "OTEL_EXPORTER_OTLP_HEADERS"]
            .into_iter()
            .find_map(|name| Some((name, read.optional::<String>(name)?)));
        let headers = headers.map_or_else(HeaderMap::new, |(name, text)| {
            parse(&text).unwrap_or_else(|| {
                // Without the value: it is a secret.
                read.problem(format!("{name} is not valid: not of the form name=value,name=value"));
                HeaderMap::new()
            })
        });
        Some(Self { url, headers })
    }
}

fn url(read: &mut Reader) -> Option<Url> {
    let traces: Option<String> = read.optional("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT");
    let (name, text) = if let Some(text) = traces {
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", text)
    } else {
        let base: String = read.optional("OTEL_EXPORTER_OTLP_ENDPOINT")?;
        ("OTEL_EXPORTER_OTLP_ENDPOINT", format!("{}/v1/traces", base.trim_end_matches('/')))
    };
    let url = Url::parse(&text).ok().filter(|url| {
        matches!(url.scheme(), "http" | "https")
            && url.has_host()
            && url.username().is_empty()
            && url.password().is_none()
    });
    if url.is_none() {
        read.problem(format!("{name} is not valid: not of the form http://host:port"));
    }
    url
}

fn parse(text: &str) -> Option<HeaderMap> {
    let mut headers = HeaderMap::new();
    for member in text.split(',').map(str::trim).filter(|member| !member.is_empty()) {
        let (name, value) = member.split_once('=')?;
        let mut value = HeaderValue::from_str(&decode(value.trim())?).ok()?;
        value.set_sensitive(true);
        headers.append(name.trim().parse::<HeaderName>().ok()?, value);
    }
    Some(headers)
}

/// Percent-decoding (RFC 3986 section 2.1), as W3C Baggage has it for its values.
fn decode(text: &str) -> Option<Cow<'_, str>> {
    if !text.contains('%') {
        return Some(Cow::Borrowed(text));
    }
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, behind)) = rest.split_first() {
        if *first != b'%' {
            decoded.push(*first);
            rest = behind;
            continue;
        }
        let (digits, behind) = behind.split_at_checked(2)?;
        let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        decoded.push(digit(digits[0])? << 4 | digit(digits[1])?);
        rest = behind;
    }
    String::from_utf8(decoded).ok().map(Cow::Owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint<const N: usize>(env: [(&str, &str); N]) -> Result<Option<Endpoint>, Vec<String>> {
        let mut read = Reader::new(&env);
        let endpoint = Endpoint::read(&mut read);
        read.finish(|| Some(endpoint)).map_err(|error| error.problems)
    }

    #[test]
    fn without_an_endpoint_nothing_is_exported() {
        assert!(endpoint([("OTEL_EXPORTER_OTLP_HEADERS", "a=b")]).unwrap().is_none());
        for (name, value) in [("OTEL_SDK_DISABLED", "true"), ("OTEL_TRACES_EXPORTER", "none")] {
            let given = [("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318"), (name, value)];
            assert!(endpoint(given).unwrap().is_none(), "{name}");
        }
    }

    #[test]
    fn the_endpoint_of_traces_is_used_as_it_is_and_the_general_one_has_a_path_put_behind_it() {
        let general = "OTEL_EXPORTER_OTLP_ENDPOINT";
        for (given, expected) in [
            ("http://127.0.0.1:4318", "http://127.0.0.1:4318/v1/traces"),
            ("http://127.0.0.1:4318/", "http://127.0.0.1:4318/v1/traces"),
            ("https://collector.example/otlp/", "https://collector.example/otlp/v1/traces"),
        ] {
            assert_eq!(endpoint([(general, given)]).unwrap().unwrap().url.as_str(), expected);
        }
        let both = [(general, "http://a"), ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://b/spans")];
        assert_eq!(endpoint(both).unwrap().unwrap().url.as_str(), "http://b/spans");
    }

    #[test]
    fn header_values_are_percent_decoded() {
        let headers = parse("authorization=Bearer%20a%3Db%2C, x-b = plain=1 ,").unwrap();
        assert_eq!(headers["authorization"], "Bearer a=b,");
        assert_eq!(headers["x-b"], "plain=1");
        assert!(!format!("{headers:?}").contains("Bearer"), "it is a secret");
        for text in ["novalue", "a=%2", "a=%zz", "a=%ff", "a=%0a", "b c=d", "=x"] {
            assert!(parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn what_is_wrong_is_said_without_the_secret() {
        let problems = endpoint([
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "authorization: hunter2"),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
        ])
        .unwrap_err();
        assert_eq!(problems.len(), 2, "{problems:?}");
        assert!(!problems.concat().contains("hunter2"));
        assert_eq!(endpoint([("OTEL_EXPORTER_OTLP_ENDPOINT", "127.0.0.1:4318")]).unwrap_err().len(), 1);
    }
}
