use super::*;

fn shown(text: &str, span: Range<usize>) -> String {
    let diagnostic = Diagnostic::new(text, &span, "wrong".to_owned(), Some("do".to_owned()));
    Errors::new(Path::new("a.toml"), vec![diagnostic]).to_string()
}

#[test]
fn shown_with_its_line_and_a_hint() {
    let text = "[[vrrp]]\npriority = 300\n";
    let at = text.find("300").expect("there");
    let expected = "\
a.toml:2:12: error: wrong
  | priority = 300
  |            ^^^
  = help: do";
    assert_eq!(shown(text, at..at + 3), expected);
}

#[test]
fn columns_are_characters_and_tabs_stay_tabs() {
    let text = "\tü = \"ö\"\r\n";
    let at = text.find('"').expect("there");
    let expected = "a.toml:1:6: error: wrong\n  | \tü = \"ö\"\n  | \t    ^^^\n  = help: do";
    assert_eq!(shown(text, at..text.len()), expected);
}

#[test]
fn any_span_of_any_text_has_a_place() {
    for text in ["", "\n", "a", "é\u{feff}\r\n\r\n", "x\n\n"] {
        for start in 0..text.len() + 2 {
            for end in 0..text.len() + 2 {
                let d = Diagnostic::new(text, &(start..end), String::new(), None);
                assert!(d.line > 0 && d.column > 0 && d.width > 0);
            }
        }
    }
}

#[test]
fn errors_come_in_the_order_of_the_file_and_once() {
    let text = "a\nb\nc";
    let at = |span| Diagnostic::new(text, &span, "wrong".to_owned(), None);
    let errors = Errors::new(Path::new("f"), vec![at(4..5), at(0..1), at(2..3), at(0..1)]);
    let lines: Vec<_> = errors.iter().map(|d| d.line).collect();
    assert_eq!(lines, [1, 2, 3]);
}

#[test]
fn passwords_are_masked_one_for_one() {
    let cases = [
        ("password = \"1111\"", "password = \"****\""),
        (
            "auth = { type = \"pass\", password = '11 11' } # x",
            "auth = { type = \"pass\", password = '*****' } # x",
        ),
        ("passwd=\"secret", "passwd=\"******"),
        ("\"password\" = 1234, x = 1", "\"password\" = ****, x = 1"),
        ("auth_pass = s3cret", "auth_pass = ******"),
        ("# password = \"a\"", "# password = \"*\""),
        ("secret = \"k\"", "secret = \"*\""),
        (
            "headers = { Authorization = \"Bearer x\" }",
            "headers = { Authorization = \"********\" }",
        ),
        ("url = \"http://x/y\"", "url = \"**********\""),
        ("urls = [\"/x\"]", "urls = [\"/x\"]"),
        ("password", "password"),
        ("password =", "password ="),
        ("type = \"pass\"", "type = \"pass\""),
    ];
    for (line, expected) in cases {
        assert_eq!(printable(line), expected);
    }
    assert_eq!(printable("a\u{1b}[2Jb\tc"), "a\u{fffd}[2Jb\tc");
}
