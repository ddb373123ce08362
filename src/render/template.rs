//! Plain substitution: `<<name>>` stands for a value. The values are names that the stack file's rules allow, numbers
//! and sentences of our own, so nothing needs escaping.

/// Puts the values into the template.
///
/// # Panics
/// When the template, which is ours, asks for something that is not there; the tests render all of them.
pub(super) fn fill(template: &str, values: &[(&str, &str)]) -> String {
    let mut text = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("<<") {
        let (name, behind) = after.split_once(">>").expect("what is opened is closed");
        let value = values.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
        text.push_str(before);
        text.push_str(value.unwrap_or_else(|| panic!("the template asks for `{name}`")));
        rest = behind;
    }
    text.push_str(rest);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stand_where_their_names_stood_and_are_not_read_again() {
        let values = [("a", "<<b>>"), ("b", "2")];
        assert_eq!(
            fill("<<a>> and <<b>>: {{ $labels.job }} < 3", &values),
            "<<b>> and 2: {{ $labels.job }} < 3"
        );
    }
}
