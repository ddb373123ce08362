//! Tables as text, for spreadsheets and for programs: RFC 4180, UTF-8 without a mark, lines that end with CR LF.
//!
//! What learners wrote may stand in a cell, and a spreadsheet takes a text that begins like a formula for one: it could
//! send the rest of the table to a stranger. Such a text gets an apostrophe in front (OWASP, "CSV injection"), which
//! spreadsheets show as it is or hide. Numbers stay numbers, negative ones too.

use serde_json::Value;

/// Signs that begin a formula, also in their wide form, and those that some programs skip before one.
const DANGEROUS: [char; 11] = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];

/// A line of names and one for each row, which is an object with these keys. A missing key is an empty cell, and so is
/// `null`.
pub fn table<'a>(columns: &[&str], rows: impl IntoIterator<Item = &'a Value>) -> String {
    let mut text = String::new();
    line(&mut text, columns.iter().map(|name| (*name).to_owned()));
    for row in rows {
        line(&mut text, columns.iter().map(|name| cell(row.get(name).unwrap_or(&Value::Null))));
    }
    text
}

fn line(text: &mut String, cells: impl Iterator<Item = String>) {
    for (index, cell) in cells.enumerate() {
        if index > 0 {
            text.push(',');
        }
        if cell.contains(['"', ',', '\r', '\n']) || cell.starts_with(' ') || cell.ends_with(' ') {
            text.extend(["\"", &cell.replace('"', "\"\""), "\""]);
        } else {
            text.push_str(&cell);
        }
    }
    text.push_str("\r\n");
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) if text.starts_with(DANGEROUS) => format!("'{text}"),
        Value::String(text) => text.clone(),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_table_has_a_line_for_its_names_and_each_row() {
        let rows = [
            json!({ "b": 1, "a": "한글", "unknown": true }),
            json!({ "a": null, "b": -2.5 }),
            json!({ "a": ["x", 1], "b": false }),
        ];
        assert_eq!(table(&["a", "b"], &rows), "a,b\r\n한글,1\r\n,-2.5\r\n\"[\"\"x\"\",1]\",false\r\n");
        assert_eq!(table(&["a"], []), "a\r\n");
    }

    #[test]
    fn cells_that_would_end_early_are_quoted() {
        for (text, expected) in [
            ("a,b", "\"a,b\""),
            ("say \"hi\"", "\"say \"\"hi\"\"\""),
            ("two\nlines", "\"two\nlines\""),
            ("two\r\nlines", "\"two\r\nlines\""),
            (" spaced ", "\" spaced \""),
            ("plain; 'text'", "plain; 'text'"),
        ] {
            assert_eq!(table(&["x"], [&json!({ "x": text })]), format!("x\r\n{expected}\r\n"));
        }
    }

    #[test]
    fn texts_that_begin_a_formula_are_only_texts() {
        for (text, expected) in [
            ("=1+1", "'=1+1"),
            ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"),
            ("+82 10", "'+82 10"),
            ("-1", "'-1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\t=1", "'\t=1"),
            ("\r=1", "\"'\r=1\""),
            ("＝1", "'＝1"),
            ("=\"a\",1", "\"'=\"\"a\"\",1\""),
            ("1=1", "1=1"),
        ] {
            assert_eq!(table(&["x"], [&json!({ "x": text })]), format!("x\r\n{expected}\r\n"), "{text:?}");
        }
        assert_eq!(table(&["x"], [&json!({ "x": -1 })]), "x\r\n-1\r\n", "a number is none");
    }
}
