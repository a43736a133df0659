TEST_RUNNER = "mysite.fakes.FakesTestRunner"
