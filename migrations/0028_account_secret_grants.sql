-- An account renews its signing secret through the API.
grant update (webhook_secret_sealed, previous_webhook_secret_sealed, previous_webhook_secret_until) on accounts to earshot_api;
