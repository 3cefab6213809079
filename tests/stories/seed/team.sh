aerostack team invite alice@company.com
# -> Invitation sent. Alice will receive a join link via email.

aerostack team invite bob@company.com
# -> Invitation sent.

aerostack team list
# carol@company.com   active     2026-02-20
aerostack team invite alice@acme.com
# → Invitation sent. Alice will receive an email with a join link.

aerostack team list
# bob@acme.com       pending   invited 2026-03-07
