//! Recording rules and alerts of the objectives: many windows, many burn rates (The Site Reliability Workbook, 5.6).

use std::collections::BTreeSet;

use crate::stack::{Scope, Slo, SloGoal, Stack, duration};

use super::template::fill;

const FILE: &str = include_str!("../../templates/prometheus/slos.yml");
const GROUP: &str = include_str!("../../templates/prometheus/slo.yml");
const RATIO: &str = include_str!("../../templates/prometheus/slo_ratio.yml");
const BURN: &str = include_str!("../../templates/prometheus/slo_burn.yml");
const TOTAL: &str = include_str!("../../templates/prometheus/total.promql");
const BAD_AVAILABILITY: &str = include_str!("../../templates/prometheus/bad_availability.promql");
const BAD_LATENCY: &str = include_str!("../../templates/prometheus/bad_latency.promql");

/// What machines ask is no user's request: probes, scrapes, and feeds that wait for events.
const NOT_USERS: &str = r#"uri!~"/actuator/.*|/internal/.*""#;

const WINDOWS: [&str; 7] = ["5m", "30m", "1h", "2h", "6h", "1d", "3d"];

/// A share of few requests says little: two failures of a quiet night are no outage.
const LEAST: &str = "10";

/// So many times the budget, in tenths, over a long window and still over a short one.
struct Burn {
    tenths: u32,
    long: &'static str,
    short: &'static str,
    severity: &'static str,
}

/// 2 % of a 30-day budget in an hour, 5 % in six, 10 % in a day, 10 % in three.
const BURNS: [Burn; 4] = [
    Burn { tenths: 144, long: "1h", short: "5m", severity: "page" },
    Burn { tenths: 60, long: "6h", short: "30m", severity: "page" },
    Burn { tenths: 30, long: "1d", short: "2h", severity: "ticket" },
    Burn { tenths: 10, long: "3d", short: "6h", severity: "ticket" },
];

/// The rule file, if the stack has objectives.
pub(super) fn rules(stack: &Stack) -> Option<String> {
    let groups: Vec<String> = stack.slos.iter().map(|(name, slo)| group(stack, name, slo)).collect();
    (!groups.is_empty()).then(|| fill(FILE, &[("groups", groups.join("\n").trim_end())]) + "\n")
}

fn group(stack: &Stack, name: &str, slo: &Slo) -> String {
    let (select, budget) = (select(stack, &slo.scope), slo.objective.budget());
    let (bad, total) = (
        Counted { select: &select, slo, template: bad(slo) },
        Counted { select: &select, slo, template: TOTAL },
    );
    let sentence = sentence(slo);
    let ratios = WINDOWS.iter().map(|window| {
        let values = [("bad", &*bad.rate(window)), ("total", &total.rate(window))];
        fill(RATIO, &[&values[..], &[("window", window), ("slo", name)]].concat())
    });
    let burns = BURNS.iter().filter(|burn| slo.objective.can_burn(burn.tenths)).map(|burn| {
        let factor = f64::from(burn.tenths) / 10.0;
        let values = [
            ("slo", name),
            ("sentence", &sentence),
            ("budget", &budget),
            ("factor", &factor.to_string()),
            ("long", burn.long),
            ("short", burn.short),
            ("severity", burn.severity),
            ("least", LEAST),
            ("bad", &bad.increase(burn.long)),
        ];
        fill(BURN, &values)
    });
    let rules: String = ratios.chain(burns).collect();
    let window = duration::format(slo.window);
    let values = [
        ("slo", name),
        ("sentence", &sentence),
        ("rules", rules.trim_end()),
        ("bad", &bad.increase(&window)),
        ("total", &total.increase(&window)),
        ("budget", &budget),
    ];
    fill(GROUP, &values)
}

/// A number of requests, as an expression.
struct Counted<'a> {
    select: &'a str,
    slo: &'a Slo,
    template: &'static str,
}

impl Counted<'_> {
    fn rate(&self, window: &str) -> String {
        self.over("rate", window)
    }

    fn increase(&self, window: &str) -> String {
        self.over("increase", window)
    }

    fn over(&self, function: &str, window: &str) -> String {
        let le = match self.slo.goal {
            SloGoal::Availability => String::new(),
            SloGoal::Latency { threshold } => boundary(threshold.as_secs_f64()),
        };
        let values = [("over", function), ("select", self.select), ("window", window), ("le", &le)];
        fill(self.template.trim_end(), &values)
    }
}

fn bad(slo: &Slo) -> &'static str {
    match slo.goal {
        SloGoal::Availability => BAD_AVAILABILITY,
        SloGoal::Latency { .. } => BAD_LATENCY,
    }
}

/// As services write it, and as Prometheus 3 does: `1` is `1.0` there.
fn boundary(seconds: f64) -> String {
    let text = seconds.to_string();
    if text.contains('.') { text } else { format!("{text}|{text}.0") }
}

/// Every service that a route leads to is one whose requests clients make. Without routes it is every service.
fn select(stack: &Stack, scope: &Scope) -> String {
    let names: BTreeSet<&str> = match scope {
        Scope::Service(name) => BTreeSet::from([name.as_str()]),
        Scope::All => stack.gateway.routes.iter().map(|route| route.service.as_str()).collect(),
    };
    let names = if names.is_empty() { stack.services.keys().map(String::as_str).collect() } else { names };
    let names: Vec<&str> = names.into_iter().collect();
    match names.as_slice() {
        [one] => format!(r#"job="{one}",{NOT_USERS}"#),
        several => format!(r#"job=~"{}",{NOT_USERS}"#, several.join("|")),
    }
}

fn sentence(slo: &Slo) -> String {
    let good = match slo.goal {
        SloGoal::Availability => "are not answered with a 5xx".to_owned(),
        SloGoal::Latency { threshold } => format!("are answered within {}", duration::format(threshold)),
    };
    format!("{} % of the requests {good}, over {}.", slo.objective, duration::format(slo.window))
}
