"""Values that only a stranger's link carries: one for each way in which a page could be misled."""

#: What each is meant to reach, and the value.
KINDS = {
    # Languages that something on the way may speak.
    "SQL": "gptq'; DROP VIEW models; --",
    "a table function": "gptq') UNION SELECT * FROM read_text('/etc/passwd') --",
    "a placeholder of SQL": "$1",
    "printf": "%s%s%n",
    "str.format": "{0.__class__.__mro__}",
    "a template": "{{7*7}}",
    "the shell": "$(id)",
    # Names of files and suites.
    "a path": "/etc/passwd",
    "a way up": "../" * 12 + "etc/passwd",
    "a suite by another way": "micro/../micro",
    "an address": "https://example.org/x.parquet",
    "the end of a C string": "x\0.parquet",
    "here": ".",
    # HTML.
    "a script": "<script>alert(1)</script>",
    "an attribute": '"><img src=x onerror=alert(1)>',
    "a comment": "<!--",
    "an entity": "&lt;b&gt;",
    "an address that runs": "javascript:alert(1)",
    # Markdown, as Streamlit reads it.
    "a link": "[x](//e.co)",
    "a picture": "![x](//e.co/x.png)",
    "a bare address": "http://e.co",
    "a heading": "# big",
    "a table": "| a | b |\n|---|---|\n| 1 | 2 |",
    "a formula": "$x^2$",
    "a colour": ":red[x]",
    "an icon": ":material/delete:",
    "the end of code": "`\n\n<b>x</b>\n\n`",
    "a fence": "```\nx\n```",
    "another end of a line": "x\u2028\u2029\x0b\x0c\x85[x](//e.co)",
    "two ends of a line": "x\r\n\r\n![x](//e.co/x.png)",
    "the mark where text is cut": "x" * 39 + "`[x](//e.co)",
    "marks alone": "`" * 41,
    # Numbers.
    "not a number": "nan",
    "infinity": "-inf",
    "more than a float holds": "1e309",
    "more digits than Python reads": "1" + "0" * 5000,
    "less than nothing": "-1",
    "another base": "0x10",
    "a fraction": "½",
    "a foreign digit": "四",
    "a list": "[1, 2]",
    # Unicode, and values that are nearly lawful.
    "nothing": "",
    "a blank": " ",
    "no character": "\uffff",
    "a control sequence": "\x1b[31m",
    "a reversal": "\u202egptq",
    "a blank without width": "gptq\u200b",
    "the letters of another width": "ＧＰＴＱ",
    "another case": "LADDER-12K",
    "a blank at the end": "ladder-12k ",
    "two at once": "ladder-12k,ladder-5k",
    "marks on marks": "Z" + "\u0335" * 200,
    "beyond the first plane": "\U0010ffff",
    "a property of every object": "__proto__",
    # Lawful beginnings.
    "SQL after a number": "4'--",
    "a tag after a name": "GPTQ<b>",
    "a line after a number": "0.05\r\r#",
    "a formula after a form": "geometric$$",
    # Length.
    "long": "a" * 100_000,
    "long lines": "\n" * 5_000,
    "long in bytes": "é" * 5_000,
    "nested": "[" * 5_000,
}

VALUES = list(KINDS.values())
