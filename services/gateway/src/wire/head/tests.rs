use proptest::prelude::*;

use super::*;

fn get(headers: &str) -> String {
    format!("GET /x HTTP/1.1\r\nHost: a\r\n{headers}\r\n")
}

fn framing(head: &str) -> Result<Framing, Refusal> {
    screen(head.as_bytes()).map(|head| head.expect("the head is complete").framing)
}

fn refused(head: &str) -> bool {
    matches!(framing(head), Err(Malformed(_)))
}

#[test]
fn plain_heads_pass_with_their_framing() {
    assert_eq!(framing(&get("")), Ok(Framing::Empty));
    assert_eq!(framing(&get("Content-Length: 5\r\n")), Ok(Framing::Length(5)));
    assert_eq!(framing(&get("content-length:0\r\n")), Ok(Framing::Empty));
    assert_eq!(framing(&get("Transfer-Encoding: chunked\r\n")), Ok(Framing::Chunked));
    assert_eq!(framing("GET / HTTP/1.0\r\n\r\n"), Ok(Framing::Empty));
    assert_eq!(framing("OPTIONS * HTTP/1.1\r\nHost: [::1]:80\r\n\r\n"), Ok(Framing::Empty));
    assert_eq!(framing("\r\nGET http://a/b HTTP/1.1\r\nHost: a\r\n\r\n"), Ok(Framing::Empty));
}

#[test]
fn two_ways_to_frame_a_body_are_refused() {
    for headers in [
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        "Content-Length: 5\r\nContent-Length: 5\r\n",
        "Content-Length: 5\r\ncontent-length: 6\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
    ] {
        assert!(refused(&get(headers)), "{headers:?}");
    }
}

#[test]
fn lengths_and_encodings_in_disguise_are_refused() {
    for headers in [
        "Content-Length: +5\r\n",
        "Content-Length: 5, 5\r\n",
        "Content-Length: 0x5\r\n",
        "Content-Length: \r\n",
        "Content-Length: 9999999999999999999\r\n",
        "Content-Length : 5\r\n",
        "Transfer-Encoding: identity\r\n",
        "Transfer-Encoding: chunked, identity\r\n",
        "Transfer-Encoding: xchunked\r\n",
        "Transfer-Encoding: \u{b}chunked\r\n",
        "Transfer-Encoding\t: chunked\r\n",
        "Transfer-Encoding:\r\n chunked\r\n",
        "X: a\r\n Transfer-Encoding: chunked\r\n",
        "X: a\rTransfer-Encoding: chunked\r\n",
        "X: a\nTransfer-Encoding: chunked\r\n",
        "X: a\u{0}b\r\n",
        ": empty\r\n",
        "no colon\r\n",
    ] {
        assert!(refused(&get(headers)), "{headers:?}");
    }
    assert!(refused("POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"));
}

#[test]
fn a_request_names_its_host_once() {
    assert!(refused("GET / HTTP/1.1\r\n\r\n"));
    assert!(refused(&get("Host: a\r\n")));
    assert!(refused("GET / HTTP/1.1\r\nHost: a b\r\n\r\n"));
    assert!(refused("GET / HTTP/1.1\r\nHost: a@b\r\n\r\n"));
    assert!(refused("GET / HTTP/1.1\r\nHost:\r\n\r\n"));
}

#[test]
fn request_lines_have_one_shape() {
    for line in [
        "GET  / HTTP/1.1",
        "GET /  HTTP/1.1",
        "GET / x HTTP/1.1",
        "GET /\u{7f} HTTP/1.1",
        "GET /한 HTTP/1.1",
        "GET /#x HTTP/1.1",
        "GET x HTTP/1.1",
        "GET * HTTP/1.1",
        "CONNECT a:80 HTTP/1.1",
        "G(T / HTTP/1.1",
        "GET / HTTQ/1.1",
        "GET /",
        "",
    ] {
        assert!(refused(&format!("{line}\r\nHost: a\r\n\r\n")), "{line:?}");
    }
    assert!(refused("GET / HTTP/1.1\nHost: a\r\n\r\n"));
    assert_eq!(framing("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), Err(Refusal::Version));
}

#[test]
fn a_target_that_hyper_would_refuse_in_its_own_words_is_refused_here() {
    for target in ["/a<b", "/a>b", "/a`b", "/a?b<c", "/a?b\"c", "http://[::1/a", "http:///a"] {
        assert!(refused(&format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n")), "{target}");
    }
    for target in ["/a\"b|c^d[e]{f}", "/a?b`c|d^e{f}", "http://a?b"] {
        assert_eq!(
            framing(&format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n")),
            Ok(Framing::Empty),
            "{target}"
        );
    }
}

#[test]
fn more_than_32_kib_are_too_large_whether_complete_or_not() {
    let filler = "a".repeat(MAX_HEAD);
    assert_eq!(framing(&get(&format!("X: {filler}\r\n"))), Err(Refusal::TooLarge));
    let unfinished = format!("GET /x HTTP/1.1\r\nX: {filler}");
    assert_eq!(screen(unfinished.as_bytes()), Err(Refusal::TooLarge));
    assert_eq!(framing(&get(&"X: a\r\n".repeat(90))), Err(Refusal::TooLarge));
    assert_eq!(framing(&get(&"X: a\r\n".repeat(89))), Ok(Framing::Empty));
}

#[test]
fn headers_of_a_broken_head_can_be_read() {
    let head = b"GET / HTTP/1.1\r\nbad line\r\norigin: http://localhost:3000\r\n";
    assert_eq!(find_header(head, "Origin"), Some(&b"http://localhost:3000"[..]));
    assert_eq!(find_header(head, "Accept-Language"), None);
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic_or_read_beyond_the_end(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        if let Ok(Some(head)) = screen(&bytes) {
            prop_assert!(head.length <= bytes.len());
            prop_assert!(bytes[..head.length].ends_with(b"\r\n\r\n"));
        }
    }

    #[test]
    fn a_head_is_seen_whole_or_not_at_all(cut in 0_usize..60) {
        let head = get("Content-Length: 5\r\nAccept: text/html\r\n");
        let cut = cut.min(head.len() - 1);
        prop_assert_eq!(screen(&head.as_bytes()[..cut]), Ok(None));
    }
}
