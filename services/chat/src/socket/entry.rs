//! What a client may show to enter, and which sub-protocol it is answered. Pure.

use chassis::extract::bearer;
use contract::chat::PROTOCOL;
use http::HeaderMap;
use http::header::SEC_WEBSOCKET_PROTOCOL;

/// What proves who somebody is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Credential<'a> {
    /// An access token.
    Token(&'a str),
    /// One use of [`super::Ticket`].
    Ticket(&'a str),
}

/// The sub-protocols that a client offers, in its order. Browsers can send a token in no other header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer<'a> {
    token: Option<&'a str>,
    answer: Option<&'a str>,
}

impl<'a> Offer<'a> {
    pub fn read(headers: &'a HeaderMap) -> Self {
        let lines = headers.get_all(SEC_WEBSOCKET_PROTOCOL).into_iter();
        let offered: Vec<_> = lines
            .filter_map(|line| line.to_str().ok())
            .flat_map(|line| line.split(','))
            .map(str::trim)
            .filter(|protocol| !protocol.is_empty())
            .collect();
        Self::of(&offered)
    }

    fn of(offered: &[&'a str]) -> Self {
        let (mut token, mut carrier, mut harmless) = (None, None, None);
        let mut behind_bearer = false;
        for protocol in offered {
            let shown = if behind_bearer { Some(*protocol) } else { shown(protocol) };
            behind_bearer = !behind_bearer && protocol.eq_ignore_ascii_case("bearer");
            match shown {
                Some(shown) => {
                    token = token.or(Some(shown));
                    carrier = carrier.or(Some(*protocol));
                }
                None => harmless = harmless.or(Some(*protocol)),
            }
        }
        let ours = offered.iter().find(|protocol| **protocol == PROTOCOL).copied();
        // A browser fails without an answer to its offer, even if all it offers is its token.
        Self { token, answer: ours.or(harmless).or(carrier) }
    }

    /// The protocol to answer.
    pub const fn answer(&self) -> Option<&'a str> {
        self.answer
    }

    /// What to go by: the header first, as everywhere else.
    pub fn credential(&self, headers: &'a HeaderMap, ticket: Option<&'a str>) -> Option<Credential<'a>> {
        let token = bearer(headers).or(self.token).map(Credential::Token);
        token.or(ticket.map(Credential::Ticket))
    }
}

/// The token in `bearer.<token>`, or a token by itself.
fn shown(protocol: &str) -> Option<&str> {
    if let Some((scheme, token)) = protocol.split_once('.')
        && scheme.eq_ignore_ascii_case("bearer")
        && !token.is_empty()
    {
        return Some(token);
    }
    // Every JWT begins with `{"`, in base64url.
    (protocol.starts_with("eyJ") && protocol.split('.').count() == 3).then_some(protocol)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_found_where_browsers_can_put_it_and_not_answered_unless_it_is_all_there_is() {
        for (offered, token, answer) in [
            (&[][..], None, None),
            (&["dorandoran.v1"], None, Some("dorandoran.v1")),
            (&["chat", "dorandoran.v1"], None, Some("dorandoran.v1")),
            (&["chat", "other"], None, Some("chat")),
            (&["bearer.eyJ.b.c"], Some("eyJ.b.c"), Some("bearer.eyJ.b.c")),
            (&["Bearer.a"], Some("a"), Some("Bearer.a")),
            (&["bearer.a", "chat"], Some("a"), Some("chat")),
            (&["bearer", "a"], Some("a"), Some("bearer")),
            (&["bearer", "bearer"], Some("bearer"), Some("bearer")),
            (&["bearer", "a", "dorandoran.v1"], Some("a"), Some("dorandoran.v1")),
            (&["dorandoran.v1", "bearer", "a"], Some("a"), Some("dorandoran.v1")),
            (&["eyJ.b.c"], Some("eyJ.b.c"), Some("eyJ.b.c")),
            (&["eyJ.b.c", "bearer.z"], Some("eyJ.b.c"), Some("eyJ.b.c")),
            (&["bearer"], None, Some("bearer")),
            (&["bearer."], None, Some("bearer.")),
            (&["v1.2.3"], None, Some("v1.2.3")),
        ] {
            assert_eq!(Offer::of(offered), Offer { token, answer }, "{offered:?}");
        }
    }

    #[test]
    fn offers_may_be_spread_over_lines_and_the_usual_header_comes_first() {
        let mut headers = HeaderMap::new();
        headers.append(SEC_WEBSOCKET_PROTOCOL, "bearer , offered,".parse().unwrap());
        headers.append(SEC_WEBSOCKET_PROTOCOL, "dorandoran.v1".parse().unwrap());
        let offer = Offer::read(&headers);
        assert_eq!(offer.answer(), Some("dorandoran.v1"));
        assert_eq!(offer.credential(&headers, Some("t")), Some(Credential::Token("offered")));
        let mut with_header = headers.clone();
        with_header.insert("authorization", "Bearer header".parse().unwrap());
        assert_eq!(offer.credential(&with_header, None), Some(Credential::Token("header")));
        let nothing = HeaderMap::new();
        let offer = Offer::read(&nothing);
        assert_eq!(offer.credential(&nothing, Some("t")), Some(Credential::Ticket("t")));
        assert_eq!(offer.credential(&nothing, None), None);
    }
}
